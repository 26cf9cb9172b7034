DROP TABLE module_hour_balances;
DROP TABLE hour_balances;
DROP TABLE hour_entries;
DROP TABLE unsettled_sessions;
DROP TABLE attendances;
DROP TABLE roll_calls;
