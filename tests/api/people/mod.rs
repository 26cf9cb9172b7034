mod create;
mod list;
mod read;
mod update;
