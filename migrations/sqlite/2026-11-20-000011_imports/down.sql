DROP TABLE import_effects;
DROP TABLE imports;
