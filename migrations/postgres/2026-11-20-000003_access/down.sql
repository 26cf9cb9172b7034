DROP TABLE role_grants;
DROP FUNCTION role_grants_stay();
DROP TABLE users;
