DROP TABLE session_change_audience;
DROP TABLE session_changes;
