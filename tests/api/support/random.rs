//! What is done at random: the seed is printed, and `MUSTER_SEED` sets it.

use super::variable;

/// Whether tests run at full length: under `MUSTER_SOAK=1`.
pub fn soaking() -> bool {
    variable("MUSTER_SOAK").is_some()
}

/// `operations`, a hundred times as many under `MUSTER_SOAK=1`.
pub fn operations(operations: usize) -> usize {
    if soaking() { operations * 100 } else { operations }
}

/// SplitMix64: small, good enough, and the same on every machine.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From `MUSTER_SEED`, or from a seed of its own, which is printed.
    pub fn seeded() -> Self {
        let clock = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let seed = variable("MUSTER_SEED").map_or_else(|| u64::from(clock), |seed| seed.parse().unwrap());
        println!("MUSTER_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another one, of its own from here on.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}
