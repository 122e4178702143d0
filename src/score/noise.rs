//! Signal and quantization noise.

/// Sums over the values of a tensor and what is left of them.
#[derive(Debug, Clone, Default)]
pub struct Noise {
    signal: f64,
    noise: f64,
    product: f64,
    left: f64,
}

impl Noise {
    /// One number, and what is left of it.
    pub fn add(&mut self, value: f32, left: f32) {
        let (value, left) = (f64::from(value), f64::from(left));
        self.signal += value * value;
        self.noise += (value - left) * (value - left);
        self.product += value * left;
        self.left += left * left;
    }

    /// Signal to quantization noise in dB; `None` if nothing is lost.
    pub fn sqnr_db(&self) -> Option<f64> {
        (self.noise > 0.0).then(|| 10.0 * libm::log10(self.signal / self.noise))
    }

    /// 1 where nothing is lost, 0 where all is.
    pub fn cosine(&self) -> f64 {
        let lengths = (self.signal * self.left).sqrt();
        match lengths > 0.0 {
            true => self.product / lengths,
            false if self.noise == 0.0 => 1.0,
            false => 0.0,
        }
    }
}
