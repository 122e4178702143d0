//! Multiply-accumulates, as fvcore counts them: Conv, Gemm and MatMul, without bias.
//!
//! Source: `conv_flop_jit`, `addmm_flop_jit` and `matmul_flop_jit` in fvcore's `jit_handles.py`,
//! where one MAC is one "flop". Shapes are those of one run, with or without the batch. Counts
//! saturate, so that absurd shapes cannot wrap.

/// MACs of a convolution: each output element sums over one group's input channels and the kernel.
///
/// `weights` is the weights' shape as Conv has it: output channels, input channels per group, then
/// the kernel.
pub fn conv(output: &[usize], weights: &[usize]) -> u64 {
    product(output).saturating_mul(product(weights.get(1..).unwrap_or_default()))
}

/// MACs of a transposed convolution: each input element is spread over one group's output channels
/// and the kernel.
///
/// `weights` is the weights' shape as ConvTranspose has it: input channels, output channels per
/// group, then the kernel.
pub fn conv_transpose(input: &[usize], weights: &[usize]) -> u64 {
    product(input).saturating_mul(product(weights.get(1..).unwrap_or_default()))
}

/// MACs of a matrix product, Gemm or MatMul: each output element sums over `inner` products.
pub fn matrix(output: &[usize], inner: usize) -> u64 {
    product(output).saturating_mul(inner as u64)
}

/// Floating-point operations: a multiplication and an addition for each MAC.
pub fn flops(macs: u64) -> u64 {
    macs.saturating_mul(2)
}

/// Bit operations: MACs x weight bits x activation bits.
pub fn bops(macs: u64, weight_bits: u32, activation_bits: u32) -> u64 {
    macs.saturating_mul(u64::from(weight_bits)).saturating_mul(u64::from(activation_bits))
}

fn product(axes: &[usize]) -> u64 {
    axes.iter().fold(1, |product: u64, &axis| product.saturating_mul(axis as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PilotNet as published (Bojarski et al., "End to End Learning for Self-Driving Cars", 2016),
    /// 66x200x3; fvcore says 26,876,342.
    #[test]
    fn pilotnet_has_the_published_count() {
        let convolutions = [
            conv(&[24, 31, 98], &[24, 3, 5, 5]),
            conv(&[36, 14, 47], &[36, 24, 5, 5]),
            conv(&[48, 5, 22], &[48, 36, 5, 5]),
            conv(&[64, 3, 20], &[64, 48, 3, 3]),
            conv(&[64, 1, 18], &[64, 64, 3, 3]),
        ];
        let linear = [(1152, 100), (100, 50), (50, 10), (10, 1)];
        let linear = linear.map(|(inner, outputs)| matrix(&[outputs], inner));
        let macs = convolutions.iter().chain(&linear).sum::<u64>();
        assert_eq!(macs, 26_876_342);
        assert_eq!(flops(macs), 2 * 26_876_342);
        assert_eq!(bops(macs, 8, 8), 64 * 26_876_342);
    }

    #[test]
    fn depthwise_convolution_sums_over_one_channel() {
        assert_eq!(conv(&[32, 24, 24], &[32, 1, 3, 3]), 9 * 32 * 24 * 24);
    }

    #[test]
    fn transposed_convolution_spreads_its_input() {
        // Twice the size, kernel 2, stride 2: every output element takes one product per channel.
        assert_eq!(conv_transpose(&[8, 5, 5], &[8, 4, 2, 2]), 8 * 4 * 10 * 10);
    }

    #[test]
    fn absurd_shapes_saturate() {
        assert_eq!(conv(&[usize::MAX], &[1, usize::MAX, 3]), u64::MAX);
        assert_eq!(bops(u64::MAX, 8, 8), u64::MAX);
    }
}
