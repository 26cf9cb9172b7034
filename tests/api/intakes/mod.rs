mod cancel;
mod cohorts;
mod create;
mod quotas;
mod races;
mod transition;
mod update;
