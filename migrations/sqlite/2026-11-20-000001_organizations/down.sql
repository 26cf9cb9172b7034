DROP TABLE organization_tree;
DROP TABLE organizations;
