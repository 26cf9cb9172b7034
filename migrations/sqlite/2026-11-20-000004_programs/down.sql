DROP TABLE modules;
DROP TABLE disciplines;
DROP TABLE program_versions;
DROP TABLE programs;
