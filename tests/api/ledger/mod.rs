mod adjust;
mod hours;
mod random;
