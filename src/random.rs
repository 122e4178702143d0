//! Seeded random numbers that are the same on every machine.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
///
/// Small, passes BigCrush, and any seed is a good seed.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// All 64 bits are random.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, by Lemire's multiplication; its bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }
}

/// `count` of `0..total` without repetition, in ascending order; all of them if `count >= total`.
///
/// The first `count` steps of a Fisher-Yates shuffle driven by [`SplitMix64`], then sorted.
pub fn choose(total: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..total).collect();
    if count >= total {
        return indices;
    }
    choose_first(&mut indices, count, seed);
    indices.truncate(count);
    indices.sort_unstable();
    indices
}

/// Puts `items` into a random order.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    choose_first(items, items.len(), seed);
}

/// The first `count` steps of a Fisher-Yates shuffle.
fn choose_first<T>(items: &mut [T], count: usize, seed: u64) {
    let mut random = SplitMix64::new(seed);
    for i in 0..count {
        let j = i + random.below(items.len() - i);
        items.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_sequence() {
        // The first outputs for seed 1234567, from Vigna's splitmix64.c.
        let mut random = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected, std::array::from_fn(|_| random.next_u64()));
    }

    #[test]
    fn choices_are_sorted_distinct_and_seeded() {
        let chosen = choose(512, 100, 7);
        assert_eq!(chosen.len(), 100);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(chosen.iter().all(|&index| index < 512));
        assert_eq!(chosen, choose(512, 100, 7));
        assert_ne!(chosen, choose(512, 100, 8));
    }

    #[test]
    fn a_shuffle_keeps_all_and_its_seed_decides() {
        let shuffled = |seed| {
            let mut items: Vec<usize> = (0..50).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_ne!(shuffled(1), shuffled(2));
        assert!(!shuffled(1).is_sorted());
        let mut items = shuffled(1);
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn asking_for_everything_gives_everything() {
        assert_eq!(choose(3, 3, 1), [0, 1, 2]);
        assert_eq!(choose(3, 9, 1), [0, 1, 2]);
        assert_eq!(choose(3, 0, 1), [0; 0]);
    }

    #[test]
    fn every_index_is_chosen_about_as_often() {
        let mut counts = [0; 10];
        for seed in 0..2_000 {
            for index in choose(10, 3, seed) {
                counts[index] += 1;
            }
        }
        // 600 expected, standard deviation about 20.
        assert!(counts.iter().all(|count| (500..700).contains(count)), "{counts:?}");
    }
}
