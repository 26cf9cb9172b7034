mod adjust;
mod hours;
mod make_ups;
mod random;
