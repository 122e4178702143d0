//! What the figures and options mean, in a few sentences for who meets them for the first time, and where to
//! read on.

/// A word that somebody may ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    pub id: &'static str,
    pub name: &'static str,
    pub text: &'static str,
    /// What is linked, and its address.
    pub sources: &'static [(&'static str, &'static str)],
}

const QUANTIZE: (&str, &str) =
    ("ONNX QuantizeLinear", "https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html");
const DEQUANTIZE: (&str, &str) =
    ("ONNX DequantizeLinear", "https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html");
const JACOB: (&str, &str) = ("Jacob et al. 2018", "https://arxiv.org/abs/1712.05877");
const KRISHNAMOORTHI: (&str, &str) = ("Krishnamoorthi 2018", "https://arxiv.org/abs/1806.08342");
const NAGEL: (&str, &str) =
    ("Nagel et al. 2021, a white paper", "https://arxiv.org/abs/2106.08295");

pub const TERMS: [Term; 18] = [
    Term {
        id: "scale",
        name: "Scale",
        text: "An integer q stands for the number scale × (q − zero point). The scale is the distance between \
               two neighbouring numbers that can be told apart: a wide range makes it large, and rounding \
               coarse. With 8 bits there are 256 steps, with 4 bits 16.",
        sources: &[DEQUANTIZE, JACOB],
    },
    Term {
        id: "zero-point",
        name: "Zero point",
        text: "The integer that stands for exactly 0. Padding and ReLU make many zeros, so zero must not be \
               rounded. Symmetric weights have it at 0, which saves a sum in every product; activations that \
               are never negative waste half of a symmetric range, so theirs is moved to the edge.",
        sources: &[QUANTIZE, JACOB],
    },
    Term {
        id: "per-channel",
        name: "Per channel",
        text: "Each output channel of a layer has weights of its own size. With one scale for all, the \
               channel with the largest weights makes the steps too coarse for the smallest. A scale for each \
               costs a few bytes and no time, because it is multiplied in once the sum is done.",
        sources: &[KRISHNAMOORTHI, NAGEL],
    },
    Term {
        id: "calibration",
        name: "Calibration",
        text: "Weights are known, activations are not: some frames run through the float network, and the \
               range of every tensor is taken from what was seen. Taking all of it clips nothing but makes \
               steps coarse; leaving out rare large values does the opposite. The methods differ in where they \
               cut. A few hundred frames like those it will see are enough.",
        sources: &[
            NAGEL,
            (
                "ONNX Runtime on quantization",
                "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html",
            ),
        ],
    },
    Term {
        id: "qdq",
        name: "QDQ",
        text: "A file can keep its float operators and put a pair of QuantizeLinear and DequantizeLinear on \
               every tensor that is to be integers. A runtime that understands pairs computes on integers; one \
               that does not still gets the right numbers. The other form names integer operators, such as \
               QLinearConv, itself.",
        sources: &[
            QUANTIZE,
            DEQUANTIZE,
            ("ONNX QLinearConv", "https://onnx.ai/onnx/operators/onnx__QLinearConv.html"),
        ],
    },
    Term {
        id: "adaround",
        name: "AdaRound and bias correction",
        text: "Rounding every weight to its nearest neighbour is not best for the layer’s output: errors add \
               up. AdaRound learns for each weight whether to go up or down, so that the output stays near \
               float’s. Bias correction shifts each bias by the mean error that is left.",
        sources: &[
            ("Nagel et al. 2020 (AdaRound)", "https://arxiv.org/abs/2004.10568"),
            ("Nagel et al. 2019 (bias correction)", "https://arxiv.org/abs/1906.04721"),
        ],
    },
    Term {
        id: "training",
        name: "Quantization-aware training",
        text: "The network trains on while its weights and activations are rounded as in the int8 file. \
               Rounding has no slope, so gradients pass through it as if it were not there; scales learn, too. \
               It wins back what few bits have lost, where mending after training can’t.",
        sources: &[
            JACOB,
            ("Esser et al. 2020 (learned scales)", "https://arxiv.org/abs/1902.08153"),
        ],
    },
    Term {
        id: "accuracy",
        name: "What an interval says",
        text: "The accuracy is a share of the frames at hand; other frames of the same kind would give \
               another. An interval of 95 % is made so that in 95 of 100 such samples it holds the true share. \
               Two intervals that overlap may still hide a real difference: on the same frames McNemar’s test \
               looks only at those on which the two networks differ.",
        sources: &[(
            "Wilson’s interval",
            "https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval",
        )],
    },
    Term {
        id: "mcnemar",
        name: "McNemar’s p",
        text: "Of the frames that only one of the two networks gets right, about half should fall to each if \
               they were equally good. p is how often chance alone would share them out as unevenly as here, or \
               more so. Below 0.05 the difference is called real; above, nobody has shown that there is none.",
        sources: &[("McNemar’s test", "https://en.wikipedia.org/wiki/McNemar%27s_test")],
    },
    Term {
        id: "agreement",
        name: "Agreement with float",
        text: "On how many frames int8 gives float’s answer, right or wrong. It needs no labels, and it falls \
               before accuracy does: answers that change from wrong to right and back leave accuracy as it was.",
        sources: &[],
    },
    Term {
        id: "mae",
        name: "MAE and RMSE",
        text: "For values such as a steering angle: the mean of the absolute errors, in the value’s own unit. \
               RMSE squares them first, so a few large errors weigh more. Frames of a drive resemble those \
               before and after them, so intervals are taken over blocks of frames in a row.",
        sources: &[],
    },
    Term {
        id: "from-float",
        name: "Distance from float, SQNR",
        text: "How far the answers are from the float network’s. SQNR is the same as a ratio, in decibels: the \
               power of the signal over that of the error. 20 dB is an error of a tenth, 40 dB of a hundredth; a \
               further bit is worth about 6 dB.",
        sources: &[(
            "Signal to quantization noise",
            "https://en.wikipedia.org/wiki/Signal-to-quantization-noise_ratio",
        )],
    },
    Term {
        id: "latency",
        name: "Latency",
        text: "How long one frame takes, alone, after warming up. The median is told because a browser and \
               other programs make some runs slow; networks take turns in short blocks, so that what slows the \
               machine down hits all alike. The interval is of the median, by resampling whole blocks.",
        sources: &[("The bootstrap", "https://en.wikipedia.org/wiki/Bootstrapping_(statistics)")],
    },
    Term {
        id: "speedup",
        name: "Why not 4 times faster?",
        text: "An int8 is a quarter of a float, but products of bytes are summed in wider integers. WebAssembly \
               has no instruction that multiplies four pairs of bytes and adds them up, which machines with VNNI \
               or NEON’s dot product have: here bytes are widened to 16 bits first, so at best twice as many \
               are multiplied at once. Sums must be brought back to bytes, and what is small is bound by \
               overhead. The weights do take a quarter of the room.",
        sources: &[
            (
                "WebAssembly SIMD",
                "https://github.com/WebAssembly/simd/blob/main/proposals/simd/SIMD.md",
            ),
            JACOB,
        ],
    },
    Term {
        id: "macs",
        name: "MACs and FLOPs",
        text: "A multiply-accumulate is a product and its sum, of which networks are made; a FLOP counts the \
               two apart. They say how much there is to compute, not how long it takes: quantizing changes \
               neither.",
        sources: &[(
            "fvcore’s count",
            "https://github.com/facebookresearch/fvcore/blob/main/docs/flop_count.md",
        )],
    },
    Term {
        id: "bops",
        name: "BOPs",
        text: "Bit operations: every MAC times the bits of its weight times the bits of its activation. It \
               compares recipes of mixed widths before there is a chip for them: 8 × 8 bits are a sixteenth of \
               32 × 32.",
        sources: &[("Van Baalen et al. 2020", "https://arxiv.org/abs/2005.07093")],
    },
    Term {
        id: "session-bytes",
        name: "File and memory",
        text: "The file has the weights and the graph. A session holds the weights once more, packed in the \
               order in which the kernels read them, and room for the values that live at the same time, which \
               int8 makes a quarter, too.",
        sources: &[],
    },
    Term {
        id: "return",
        name: "Mean return",
        text: "What Gymnasium’s CarRacing pays for a drive: 1,000 shared out over the tiles of the road, less \
               0.1 for each step. Frames are judged one by one, a drive as a whole: small errors can pull the \
               car to where no frame of the set was taken. All networks drive the same tracks.",
        sources: &[("CarRacing", "https://gymnasium.farama.org/environments/box2d/car_racing/")],
    },
];

impl Term {
    pub fn of(id: &str) -> Option<&'static Self> {
        TERMS.iter().find(|term| term.id == id)
    }

    /// The one that explains a row of the comparison.
    pub fn of_row(kind: &str) -> Option<&'static Self> {
        let id = match kind {
            "rmse" | "p99" | "max-abs" => "mae",
            "latency-p90" | "cold" => "latency",
            "flops" => "macs",
            "file-bytes" | "weight-bytes" | "gzip-bytes" => "session-bytes",
            own => own,
        };
        Self::of(id)
    }
}

/// Where keys do something, and what: as they are listed for who asks.
pub const KEYS: [(&str, &[(&str, &str)]); 5] = [
    (
        "Everywhere",
        &[
            ("?", "this list"),
            ("Tab, Shift + Tab", "to the next and the last thing that can be used"),
            ("Enter, Space", "press a button, open a fold"),
            ("Esc", "close this list, an explanation, the tour"),
            ("Alt + ←, Alt + →", "back and forth between the places, as the browser does"),
        ],
    ),
    (
        "At the wheel",
        &[
            ("← →", "steer"),
            ("↑ ↓", "gas and brake"),
            ("Enter, Space", "hold the button of the wheel that has the focus"),
        ],
    ),
    (
        "Tables",
        &[
            ("Enter, Space", "on a heading: sort by it"),
            ("← →", "scroll a table that has the focus"),
        ],
    ),
    (
        "Charts",
        &[
            ("Enter, Space", "on a cell of a confusion matrix: its frames"),
            ("Enter, Space", "on a point of the trade-off: its recipe"),
        ],
    ),
    (
        "Frames",
        &[("↑ ↓, Page Up, Page Down", "through the frames"), ("Enter, Space", "look into a frame")],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_term_is_one_and_says_where_to_read_on_safely() {
        let ids: BTreeSet<_> = TERMS.iter().map(|term| term.id).collect();
        assert_eq!(ids.len(), TERMS.len());
        for Term { id, text, sources, .. } in TERMS {
            assert!(text.len() < 520, "{id} takes {} letters", text.len());
            assert!(sources.iter().all(|(_, url)| url.starts_with("https://")), "{id}");
        }
        for kind in ["accuracy", "mcnemar", "rmse", "cold", "bops", "gzip-bytes", "return"] {
            assert!(Term::of_row(kind).is_some(), "nothing explains {kind}");
        }
    }
}
