DROP TABLE sign_in_attempts;
DROP TABLE invitations;
DROP FUNCTION invitations_are_good_once();
DROP FUNCTION invitations_stay();
DROP TABLE passwords;
