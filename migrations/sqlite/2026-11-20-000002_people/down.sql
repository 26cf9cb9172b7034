DROP TABLE affiliations;
DROP TABLE people;
