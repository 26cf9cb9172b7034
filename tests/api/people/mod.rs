mod create;
mod identity_numbers;
mod list;
mod read;
mod update;
