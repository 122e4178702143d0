//! The whole account: calibrate, look at the tensors, measure the layers.

use super::super::Step;
use super::super::effects::{Bench, Variant};
use super::super::post_training::Calibrated;
use super::tensors::{Seen, look};
use super::{drift, layers};
use crate::data::Dataset;
use crate::error::Result;
use crate::figures::significant;
use crate::graph::{Attribute, Graph};
use crate::quantize::step::StepProgress;
use crate::runtime::{SATURATING, lower, tensor_types};
use crate::vocabulary::analysis::{Analysis, Damage, FramesDamage, TensorDamage};
use crate::vocabulary::recipe::{Method, Recipe};
use crate::vocabulary::task::Judging;

/// Calibration sets tried, each four times as large as the one before.
const CALIBRATION_FRAMES: [usize; 5] = [1, 4, 16, 64, 256];

/// The share of agreement, or of the float network's error, that clipping must cost before it is said to
/// clip too much.
const TOO_MUCH: f64 = 0.01;

/// What `recipe` does to the network: calibrated on `calibration`, measured on `frames` frames of
/// `validation` (`None`: all), chosen by the recipe's seed.
///
/// `macs` are those of a node, by its name, for one frame.
///
/// # Errors
/// As [`quantize`](crate::quantize::quantize), and a network that cannot be run layer by layer.
pub fn analyze(
    graph: &Graph,
    recipe: &Recipe,
    ([calibration, validation], judging): ([&Dataset; 2], &Judging),
    frames: Option<usize>,
    macs: &dyn Fn(&str) -> u64,
    progress: &mut StepProgress,
) -> Result<Analysis> {
    let indices = validation.subset(frames, recipe.seed);
    let mut bench = Bench::new(graph, (validation, judging), indices)?;
    let calibrated = Calibrated::new(graph, recipe, calibration, progress)?;
    let types = tensor_types(&calibrated.prepared.graph, Some(calibration.frame_shape()))?;
    let channels = |tensor: &str| match types.get(tensor).map(|ty| &ty.shape[..]) {
        Some([_, channels, ..]) => *channels,
        _ => 1,
    };
    let mut calibrating = |done, total| progress(Step::Calibrate, done, total);
    let Seen { damage, dead } = look(&calibrated, calibration, channels, &mut calibrating)?;

    let others = Others::new(&calibrated, recipe, calibration, progress)?;
    let mut analyzing = |done, total| progress(Step::Analyze, done, total);
    let float = bench.float(&mut analyzing)?.effect;
    let mut measured = bench.measure(None, &others.variants, &mut analyzing)?;
    let minmax = others.minmax.then(|| measured.pop()).flatten();
    let by_frames = others.frames.iter().zip(&measured);
    let by_calibration_frames = by_frames
        .map(|(&calibration_frames, measured)| FramesDamage {
            calibration_frames,
            effect: measured.effect,
        })
        .collect();
    let saturating = match can_saturate(&calibrated) {
        true => {
            let graph = saturating_pairs(&calibrated, recipe);
            let variant = Variant { graph, watched: None };
            Some(bench.measure(None, &[variant], &mut analyzing)?[0].effect)
        }
        false => None,
    };
    let (quantized, mut layers) =
        layers::account(&calibrated, recipe, &mut bench, macs, &mut analyzing)?;
    for layer in &mut layers {
        let graph = &calibrated.prepared.graph;
        let node = graph.nodes.iter().find(|n| n.name == layer.node);
        let result = node.map(|n| calibrated.prepared.placement.result(graph, n));
        let own = dead.iter().find(|(tensor, _)| Some(tensor.as_str()) == result);
        layer.dead_channels = own.map_or_else(Vec::new, |(_, channels)| channels.clone());
    }

    let mut warnings = drift::warnings(calibration, validation);
    if let Some(said) = minmax.and_then(|minmax| clips_too_much(&quantized, &minmax.effect)) {
        let clips = |a: &&TensorDamage, b: &&TensorDamage| a.clipped.total_cmp(&b.clipped);
        let most = damage.iter().filter(|tensor| !tensor.is_weight).max_by(clips);
        let which = most.map_or_else(String::new, |tensor| {
            format!("; most in `{}`, {:.2} % of its values", tensor.name, 100.0 * tensor.clipped)
        });
        warnings.push(format!("This method clips too much here: {said} with minmax{which}."));
    }
    for layer in &layers {
        if layer.accumulator_used >= 1.0 {
            warnings.push(format!("The sums of `{}` may not fit int32.", layer.node));
        }
        if layer.scale_raised {
            warnings.push(format!(
                "The bias of `{}` is so large that a weight scale was raised to make it fit int32.",
                layer.node
            ));
        }
    }
    let frames = bench.indices.len();
    Ok(Analysis {
        tensors: damage,
        layers,
        float_top1: float.top1,
        float_mae: float.mae,
        quantized,
        saturating,
        by_calibration_frames,
        frames,
        warnings,
        driving: None,
    })
}

/// What a method loses beside minmax, if it is much.
fn clips_too_much(own: &Damage, minmax: &Damage) -> Option<String> {
    if let (Some(own), Some(minmax)) = (own.agreement, minmax.agreement) {
        let much = minmax - own > TOO_MUCH;
        let (own, minmax) = (100.0 * own, 100.0 * minmax);
        return much
            .then(|| format!("{own:.1} % of the answers are the float network's, {minmax:.1} %"));
    }
    let (own, float) = (own.mae?, own.mae? - own.mae_change?);
    let minmax = minmax.mae?;
    let much = own - minmax > TOO_MUCH * float;
    much.then(|| format!("the error is {}, {}", significant(own), significant(minmax)))
}

/// Whether a pair of u8 x i8 products can leave 16 bits: two weights of +-64 cannot.
fn can_saturate(calibrated: &Calibrated) -> bool {
    let weights = calibrated.layers.weights.values();
    weights.flat_map(|weights| &weights.codes).any(|code| code.abs() > 64)
}

/// The quantized network as a machine computes it whose pairs of products saturate.
fn saturating_pairs(calibrated: &Calibrated, recipe: &Recipe) -> Graph {
    let Calibrated { prepared, params, layers, .. } = calibrated;
    let mut graph = lower::lower(&prepared.qdq(params, layers, recipe).graph).graph;
    for node in &mut graph.nodes {
        if matches!(node.op.as_str(), "QLinearConv" | "QGemm" | "QLinearMatMul") {
            node.attributes.insert(SATURATING.into(), Attribute::Int(1));
        }
    }
    graph
}

/// The network as other calibrations would have it.
struct Others {
    /// The numbers of calibration frames of the first variants.
    frames: Vec<usize>,
    /// The last variant has the ranges of minmax.
    minmax: bool,
    variants: Vec<Variant>,
}

impl Others {
    fn new(
        calibrated: &Calibrated,
        recipe: &Recipe,
        data: &Dataset,
        progress: &mut StepProgress,
    ) -> Result<Self> {
        let Calibrated { prepared, layers, indices, .. } = calibrated;
        let mut variant = |recipe: &Recipe, indices: &[usize]| {
            let mut calibrating = |done, total| progress(Step::Calibrate, done, total);
            let params = prepared.calibrate(recipe, data, indices, &mut calibrating)?;
            let graph = prepared.qdq(&params, layers, recipe).graph;
            Ok(Variant { graph, watched: None })
        };
        let frames = CALIBRATION_FRAMES.into_iter().filter(|&n| n < indices.len());
        let frames: Vec<usize> = frames.collect();
        let mut variants = Vec::new();
        for &count in &frames {
            let chosen = crate::random::choose(indices.len(), count, recipe.seed);
            let chosen: Vec<usize> = chosen.into_iter().map(|i| indices[i]).collect();
            variants.push(variant(recipe, &chosen)?);
        }
        let minmax = recipe.method != Method::Minmax;
        if minmax {
            variants.push(variant(&Recipe { method: Method::Minmax, ..recipe.clone() }, indices)?);
        }
        Ok(Self { frames, minmax, variants })
    }
}
