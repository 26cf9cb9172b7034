mod cohorts;
mod create;
mod quotas;
mod transition;
mod update;
