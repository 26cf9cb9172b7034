DROP TABLE session_change_audience;
DROP TABLE session_changes;
DROP FUNCTION session_changes_are_immutable;
