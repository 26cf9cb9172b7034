DROP TABLE organization_tree;
DROP TABLE organizations;
DROP FUNCTION organizations_root_of_parent;
DROP FUNCTION organizations_place_is_fixed;
DROP FUNCTION organizations_tree;
