mod hours;
mod random;
