mod adjust;
mod as_of;
mod hours;
mod make_ups;
mod model;
mod random;
