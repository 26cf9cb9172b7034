mod confirm;
mod create;
mod versions;
