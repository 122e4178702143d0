//! Arithmetic that is the same for integers and floats.

use std::fmt::Debug;

/// What is added and subtracted; integers wrap around.
pub trait Number: Copy + Default + Debug {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// Of a multiple of 4.
    fn quarter(self) -> Self;
}

macro_rules! integer {
    ($($integer:ty),*) => {
        $(impl Number for $integer {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn quarter(self) -> Self {
                self >> 2
            }
        })*
    };
}

integer!(u8, i16, i32);

impl Number for f32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn quarter(self) -> Self {
        self * 0.25
    }
}
