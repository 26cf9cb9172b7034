DROP TABLE identity_numbers;
