//! Kinds of machines, and running a kernel with the vectors that one has.

#![allow(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use super::lanes::{self, ChannelLanes, Lanes};
use super::number::Number;

/// The instructions that kernels may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// What every target has: the reference.
    Portable,
    /// WebAssembly with `simd128`.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// With relaxed SIMD as well, for fused products.
    #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
    RelaxedSimd,
    /// x86-64 with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 F, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

/// Whether this program takes WebAssembly's relaxed instructions. No program can ask what the browser
/// has: a module that holds one of them is accepted or refused as a whole.
#[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
pub(crate) mod relaxed {
    use std::sync::atomic::{AtomicBool, Ordering};

    static TAKEN: AtomicBool = AtomicBool::new(cfg!(feature = "relaxed-simd"));

    /// For a program that only such browsers load. From one that never calls this, link-time
    /// optimization leaves the relaxed kernels out, so both are built from one library.
    #[cfg(feature = "worker")]
    pub(crate) fn take() {
        TAKEN.store(true, Ordering::Relaxed);
    }

    pub(crate) fn taken() -> bool {
        TAKEN.load(Ordering::Relaxed)
    }
}

impl Machine {
    /// Every kind, the slowest first.
    const ALL: &'static [Self] = &[
        Self::Portable,
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Self::Simd128,
        #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
        Self::RelaxedSimd,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Vnni,
    ];

    /// Those with an instruction for it that does not saturate.
    const MULTIPLYING_BYTES: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Vnni,
    ];

    /// Whether this machine has the instructions.
    fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            // The module was accepted.
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => true,
            #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
            Self::RelaxedSimd => relaxed::taken(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Self::Avx512.is_here() && is_x86_feature_detected!("avx512vnni"),
        }
    }

    /// All that this machine can be, the slowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|machine| machine.is_here()).collect()
    }

    /// The fastest that this machine can be.
    pub fn best() -> Self {
        let here = Self::ALL.iter().rfind(|machine| machine.is_here());
        here.copied().unwrap_or(Self::Portable)
    }

    /// Whether [`Bytes`] are faster than [`Integers`].
    pub fn multiplies_bytes(self) -> bool {
        Self::MULTIPLYING_BYTES.contains(&self)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => "simd128",
            #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
            Self::RelaxedSimd => "relaxed-simd",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512-vnni",
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let available = Self::available();
        available.iter().copied().find(|machine| machine.name() == name).ok_or_else(|| {
            let names: Vec<&str> = available.iter().map(|machine| machine.name()).collect();
            format!("`{name}` is no kind of kernels that this machine has ({})", names.join(", "))
        })
    }
}

/// How kernels sum floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Products {
    /// Every product is rounded before it is added: the same bits on every machine.
    Rounded,
    /// Fused where the machine can: faster, other last bits.
    Fused,
}

/// A kernel, generic over the vectors it is written in.
pub trait Kernel<E, S>: Sized {
    type Output;

    /// Runs with tiles of `ROWS` rows times `VECTORS` vectors of `L`, or of `FEW` rows where that
    /// leaves less to do, or of `LONG` rows times one vector where more columns are not there; `C`
    /// is for channels apart.
    ///
    /// # Safety
    /// The machine has what `L` and `C` need.
    unsafe fn run<
        L,
        C,
        const ROWS: usize,
        const FEW: usize,
        const LONG: usize,
        const VECTORS: usize,
    >(
        self,
    ) -> Self::Output
    where
        L: Lanes<Element = E, Sum = S>,
        C: ChannelLanes<Element = E, Sum = S>;
}

/// Declares a function that runs a kernel with a machine's features enabled. The kernel is inlined
/// into it, and with the features so are the instructions.
#[cfg(any(target_arch = "x86_64", feature = "relaxed-kernels"))]
macro_rules! with_features {
    ($features:literal, $kernel:expr, $lanes:ty, $channels:ty, $rows:literal, $few:literal, $long:literal) => {{
        #[target_feature(enable = $features)]
        fn enabled<K, E, S>(kernel: K) -> K::Output
        where
            K: Kernel<E, S>,
            $lanes: Lanes<Element = E, Sum = S>,
            $channels: ChannelLanes<Element = E, Sum = S>,
        {
            // SAFETY: the features that the lanes need are enabled here.
            unsafe { kernel.run::<$lanes, $channels, $rows, $few, $long, 2>() }
        }
        // WebAssembly's functions with features are safe: the whole module was accepted.
        #[cfg_attr(target_arch = "wasm32", allow(unused_unsafe))]
        // SAFETY: a `Machine` exists only where it was detected.
        unsafe {
            enabled($kernel)
        }
    }};
}

/// What rows are multiplied and summed in, and with which instructions.
pub trait Multiplier: Copy + fmt::Debug + Send + Sync {
    type Element: Number + Send + Sync;
    type Sum: Number;
    /// Elements that are multiplied at once: runs are padded to it.
    const STEP: usize;

    /// Whether [`Winograd`](super::winograd::Winograd) serves some convolutions; where it does not,
    /// it is not compiled.
    const TRANSFORMS: bool = false;

    /// Whether its sums are right for `filter`, the weights of one output channel.
    fn transforms(self, _filter: &[Self::Element]) -> bool {
        false
    }

    fn run<K: Kernel<Self::Element, Self::Sum>>(self, kernel: K) -> K::Output;
}

/// f32, summed in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Floats {
    pub machine: Machine,
    pub products: Products,
}

impl Multiplier for Floats {
    type Element = f32;
    type Sum = f32;
    const STEP: usize = 1;
    const TRANSFORMS: bool = true;

    fn transforms(self, _: &[f32]) -> bool {
        self.products == Products::Fused
    }

    fn run<K: Kernel<f32, f32>>(self, kernel: K) -> K::Output {
        on_floats(self.machine, self.products, kernel)
    }
}

/// 8-bit operands held as i16, summed in i32: exact, so the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Integers {
    pub machine: Machine,
}

impl Multiplier for Integers {
    type Element = i16;
    type Sum = i32;
    const STEP: usize = 2;
    const TRANSFORMS: bool = true;

    fn transforms(self, filter: &[i16]) -> bool {
        // An operand is at most 255, and the sum is made four times as large.
        let magnitude: i64 = filter.iter().map(|w| i64::from(w.unsigned_abs())).sum();
        4 * 255 * magnitude <= i64::from(i32::MAX)
    }

    fn run<K: Kernel<i16, i32>>(self, kernel: K) -> K::Output {
        on_pairs(self.machine, kernel)
    }
}

/// u8 times i8, whose bytes its weights are, summed in i32: exact too. What is signed or has a zero
/// point is moved to u8, and the sums set right by the bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bytes {
    pub machine: Machine,
}

impl Multiplier for Bytes {
    type Element = u8;
    type Sum = i32;
    const STEP: usize = 4;

    fn run<K: Kernel<u8, i32>>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        use lanes::x86::VnniBytes512;
        match self.machine {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512Vnni => with_features!(
                "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni",
                kernel,
                VnniBytes512,
                VnniBytes512,
                8,
                5,
                12
            ),
            // SAFETY: every machine has these.
            _ => unsafe { kernel.run::<lanes::Bytes, lanes::Bytes, 4, 3, 4, 1>() },
        }
    }
}

/// As [`Integers`], but the sum of each pair of products saturates at 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SaturatingIntegers;

impl Multiplier for SaturatingIntegers {
    type Element = i16;
    type Sum = i32;
    const STEP: usize = 2;

    fn run<K: Kernel<i16, i32>>(self, kernel: K) -> K::Output {
        // SAFETY: every machine has these.
        unsafe { kernel.run::<lanes::SaturatingPairs, lanes::Pairs, 4, 3, 4, 1>() }
    }
}

fn on_floats<K>(machine: Machine, products: Products, kernel: K) -> K::Output
where
    K: Kernel<f32, f32>,
{
    #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
    use lanes::wasm::FusedFloats;
    #[cfg(target_arch = "x86_64")]
    use lanes::x86::{Floats256, Floats512, FusedFloats256, FusedFloats512};
    match (machine, products) {
        // SAFETY: every machine has these.
        (Machine::Portable, _) => unsafe {
            kernel.run::<lanes::Floats, lanes::Floats, 4, 3, 4, 1>()
        },
        #[cfg(all(target_arch = "wasm32", feature = "relaxed-kernels"))]
        // Asked again, so that whoever never takes them has no way here.
        (Machine::RelaxedSimd, Products::Fused) if relaxed::taken() => {
            with_features!("relaxed-simd", kernel, FusedFloats, FusedFloats, 4, 3, 4)
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        // SAFETY: the module was accepted, so the machine has its instructions.
        (_, _) => unsafe { kernel.run::<lanes::wasm::Floats, lanes::wasm::Floats, 4, 3, 4, 2>() },
        #[cfg(target_arch = "x86_64")]
        (Machine::Avx2, Products::Rounded) => {
            with_features!("avx2,fma", kernel, Floats256, Floats256, 6, 5, 6)
        }
        #[cfg(target_arch = "x86_64")]
        (Machine::Avx2, Products::Fused) => {
            with_features!("avx2,fma", kernel, FusedFloats256, FusedFloats256, 6, 5, 6)
        }
        #[cfg(target_arch = "x86_64")]
        (_, Products::Rounded) => {
            with_features!(
                "avx2,fma,avx512f,avx512bw,avx512vl",
                kernel,
                Floats512,
                Floats256,
                8,
                5,
                12
            )
        }
        #[cfg(target_arch = "x86_64")]
        (_, Products::Fused) => with_features!(
            "avx2,fma,avx512f,avx512bw,avx512vl",
            kernel,
            FusedFloats512,
            FusedFloats256,
            8,
            5,
            12
        ),
    }
}

fn on_pairs<K>(machine: Machine, kernel: K) -> K::Output
where
    K: Kernel<i16, i32>,
{
    #[cfg(target_arch = "x86_64")]
    use lanes::x86::{Pairs256, Pairs512, VnniPairs256, VnniPairs512};
    match machine {
        // SAFETY: every machine has these.
        Machine::Portable => unsafe { kernel.run::<lanes::Pairs, lanes::Pairs, 4, 3, 4, 1>() },
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        // SAFETY: the module was accepted, so the machine has its instructions.
        _ => unsafe { kernel.run::<lanes::wasm::Pairs, lanes::wasm::Pairs, 4, 3, 4, 2>() },
        #[cfg(target_arch = "x86_64")]
        Machine::Avx2 => with_features!("avx2,fma", kernel, Pairs256, Pairs256, 6, 5, 6),
        #[cfg(target_arch = "x86_64")]
        Machine::Avx512 => {
            with_features!(
                "avx2,fma,avx512f,avx512bw,avx512vl",
                kernel,
                Pairs512,
                Pairs256,
                8,
                5,
                12
            )
        }
        #[cfg(target_arch = "x86_64")]
        Machine::Avx512Vnni => with_features!(
            "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni",
            kernel,
            VnniPairs512,
            VnniPairs256,
            8,
            5,
            12
        ),
    }
}
