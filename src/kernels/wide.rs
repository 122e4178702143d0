//! One loop compiled for every width of vectors that the machine may have.

/// Defines a function whose body is compiled once more for AVX2 and for AVX-512, and which runs the
/// widest version that the machine has. Generic parameters stand in brackets behind the name. The
/// body may ask for `WIDTH`, the f32 of a vector.
///
/// Wider vectors hold more of the same products and sums, each rounded as before (nothing here fuses
/// a multiplication with an addition), so every version gives the same bits.
macro_rules! wide {
    (
        $(#[$meta:meta])* $visibility:vis fn $name:ident $([$($generics:tt)*])?
        ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name $(<$($generics)*>)? ($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            {
                use $crate::kernels::Machine;

                #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
                #[allow(clippy::too_many_arguments)]
                fn avx512 $(<$($generics)*>)? ($($argument: $type),*) $(-> $result)? {
                    #[allow(dead_code)]
                    const WIDTH: usize = 16;
                    $body
                }
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2 $(<$($generics)*>)? ($($argument: $type),*) $(-> $result)? {
                    #[allow(dead_code)]
                    const WIDTH: usize = 8;
                    $body
                }
                match Machine::best() {
                    Machine::Avx512 | Machine::Avx512Vnni => {
                        // SAFETY: the machine has these extensions, or it would be no such
                        // `Machine`.
                        return unsafe { avx512($($argument),*) };
                    }
                    Machine::Avx2 => {
                        // SAFETY: as above.
                        return unsafe { avx2($($argument),*) };
                    }
                    Machine::Portable => {}
                }
            }
            #[allow(dead_code)]
            const WIDTH: usize = 4;
            $body
        }
    };
}

pub(crate) use wide;
