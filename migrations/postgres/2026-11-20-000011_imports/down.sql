DROP TABLE import_effects;
DROP TABLE imports;
DROP FUNCTION imports_stay;
DROP FUNCTION import_effects_are_immutable;
DROP FUNCTION imports_are_undone_once;
