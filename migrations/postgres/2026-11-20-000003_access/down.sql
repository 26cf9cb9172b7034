DROP TABLE role_grants;
DROP FUNCTION role_grants_stay();
DROP FUNCTION role_grants_are_not_deleted();
DROP TABLE users;
