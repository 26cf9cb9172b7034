mod cancel;
mod create;
mod hold;
mod list;
mod publish;
mod races;
mod update;
mod waive;
