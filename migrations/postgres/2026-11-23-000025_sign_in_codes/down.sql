DROP TABLE sign_in_codes;
DROP FUNCTION sign_in_codes_are_good_once();
