mod bulk;
mod create;
mod list;
mod races;
mod transition;
mod unsettled;
mod update;
