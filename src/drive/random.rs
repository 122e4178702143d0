//! The random numbers that NumPy's default generator draws from a seed: PCG64 (O'Neill: "PCG: A family
//! of simple fast space-efficient statistically good algorithms for random number generation", 2014),
//! seeded by NumPy's `SeedSequence`.

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// `numpy.random.default_rng(seed)`.
#[derive(Debug, Clone)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
}

impl Pcg64 {
    pub fn new(seed: u64) -> Self {
        let [state, sequence] = seed_words(seed);
        let mut random = Self { state: 0, increment: (sequence << 1) | 1 };
        random.advance();
        random.state = random.state.wrapping_add(state);
        random.advance();
        random
    }

    fn advance(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    pub fn next_u64(&mut self) -> u64 {
        self.advance();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// A number from `low` to below `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        low + (high - low) * unit
    }
}

/// The two numbers that `SeedSequence(seed).generate_state(4, uint64)` holds.
fn seed_words(seed: u64) -> [u128; 2] {
    let mut constant = 0x43b0_d7e5_u32;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        folded(value.wrapping_mul(constant))
    };
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for from in 0..4 {
        for to in (0..4).filter(|&to| to != from) {
            let left = pool[to].wrapping_mul(0xca01_f9dd);
            let right = hash(pool[from]).wrapping_mul(0x4973_f715);
            pool[to] = folded(left.wrapping_sub(right));
        }
    }
    let mut constant = 0x8b51_f9dd_u32;
    let words: [u128; 8] = std::array::from_fn(|i| {
        let value = pool[i % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        u128::from(folded(value.wrapping_mul(constant)))
    });
    // Little-endian pairs make 64 bits; of two of those the first is the upper half.
    let whole = |w: &[u128]| w[1] << 96 | w[0] << 64 | w[3] << 32 | w[2];
    [whole(&words[..4]), whole(&words[4..])]
}

fn folded(value: u32) -> u32 {
    value ^ (value >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.random.default_rng(seed).bit_generator.random_raw(2)`.
    #[test]
    fn gives_numpys_numbers() {
        for (seed, expected) in [
            (0, [0xa30f_ebcf_d9c2_825f, 0x4510_bdf8_82d9_d721]),
            (1, [0x8306_bdf3_7922_e4ff, 0xf351_96bb_c152_a866]),
            (0x0000_0000_ffff_ffff, [0x407f_5fa9_30d8_fd9f, 0x3814_b22e_b968_4802]),
            (0x0000_0001_0000_0005, [0xc632_3ec3_21de_b8d1, 0x7881_4821_c73a_0583]),
            (0xffff_ffff_ffff_ffff, [0xae16_3a7a_8c47_568f, 0xd866_59f5_f338_2359]),
        ] {
            let mut random = Pcg64::new(seed);
            assert_eq!(expected, [random.next_u64(), random.next_u64()], "{seed}");
        }
    }
}
