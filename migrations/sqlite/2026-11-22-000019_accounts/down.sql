DROP TABLE sign_in_attempts;
DROP TABLE invitations;
DROP TABLE passwords;
