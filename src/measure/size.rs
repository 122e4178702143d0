//! Sizes of a file.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes of `file` after gzip at level 6, the level of the gzip tool and of most web servers.
pub fn gzip_bytes(file: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Counter::default(), Compression::new(6));
    // Writing to a counter cannot fail.
    let counted = encoder.write_all(file).and_then(|()| encoder.finish());
    counted.map_or(0, |counter| counter.bytes)
}

/// Counts what is written and keeps nothing of it.
#[derive(Default)]
struct Counter {
    bytes: usize,
}

impl Write for Counter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bytes += buffer.len();
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn zeros_shrink_and_noise_does_not() {
        let zeros = vec![0; 100_000];
        assert!((100..300).contains(&gzip_bytes(&zeros)), "{}", gzip_bytes(&zeros));
        let mut random = SplitMix64::new(1);
        let noise: Vec<u8> = (0..100_000).map(|_| random.next_u64() as u8).collect();
        assert!((100_000..100_100).contains(&gzip_bytes(&noise)), "{}", gzip_bytes(&noise));
    }

    #[test]
    fn an_empty_file_is_a_header_and_a_trailer() {
        // RFC 1952: 10 bytes and 8 bytes around an empty deflate stream of 2.
        assert_eq!(gzip_bytes(&[]), 20);
    }
}
