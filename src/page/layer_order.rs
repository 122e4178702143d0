//! The order of the layers in the account of the damage.

use super::sorting::{Key, Sorting};
use crate::vocabulary::analysis::{Analysis, Damage, LayerDamage};

/// What a table of layers can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Column {
    /// The network's own order.
    #[default]
    Position,
    Node,
    Op,
    WeightBits,
    Macs,
    Sqnr,
    QuantizedTop1,
    QuantizedAgreement,
    QuantizedError,
    FloatTop1,
    FloatAgreement,
    FloatError,
    DeadChannels,
}

/// Places of the layers in `analysis.layers`; what a column says nothing about comes last.
pub fn order(analysis: &Analysis, sorting: Sorting<Column>) -> Vec<usize> {
    let layers = &analysis.layers;
    sorting.order(layers.len(), |at| match sorting.column {
        Column::Position => Key::Figure(at as f64),
        Column::Node => Key::Text(&layers[at].node),
        Column::Op => Key::Text(&layers[at].op),
        column => figure(&layers[at], column).into(),
    })
}

fn figure(layer: &LayerDamage, column: Column) -> Option<f64> {
    let Damage { top1, agreement, logit_mse, mae_change, max_abs_from_float, .. } = match column {
        Column::FloatTop1 | Column::FloatAgreement | Column::FloatError => layer.only_this_float,
        _ => layer.only_this_quantized,
    };
    match column {
        Column::Position | Column::Node | Column::Op => None,
        Column::WeightBits => layer.weight_bits.map(f64::from),
        Column::Macs => Some(layer.macs as f64),
        Column::Sqnr => layer.sqnr_db,
        Column::QuantizedTop1 | Column::FloatTop1 => top1.or(mae_change),
        Column::QuantizedAgreement | Column::FloatAgreement => {
            agreement.or(Some(max_abs_from_float))
        }
        Column::QuantizedError | Column::FloatError => Some(logit_mse),
        Column::DeadChannels => Some(layer.dead_channels.len() as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect() -> Damage {
        Damage {
            top1: None,
            agreement: Some(1.0),
            logit_mse: 0.0,
            mae: None,
            mae_change: None,
            max_abs_from_float: 0.0,
        }
    }

    fn layer(node: &str, macs: u64, sqnr_db: Option<f64>) -> LayerDamage {
        let effect = effect();
        LayerDamage {
            node: node.into(),
            op: "Conv".into(),
            weight_bits: Some(8),
            activation_bits: 8,
            macs,
            sqnr_db,
            only_this_quantized: effect,
            only_this_float: effect,
            dead_channels: Vec::new(),
            accumulator_used: 0.0,
            scale_raised: false,
        }
    }

    #[test]
    fn layers_are_sorted_by_a_column_and_silence_comes_last() {
        let effect = effect();
        let analysis = Analysis {
            tensors: Vec::new(),
            layers: vec![
                layer("b", 3, Some(20.0)),
                layer("c", 1, None),
                layer("a", 2, Some(30.0)),
                layer("d", 2, Some(10.0)),
            ],
            float_top1: None,
            float_mae: None,
            quantized: effect,
            saturating: None,
            by_calibration_frames: Vec::new(),
            frames: 1,
            warnings: Vec::new(),
            driving: None,
        };
        let by = |column, descending| order(&analysis, Sorting { column, descending });
        assert_eq!(by(Column::Position, false), [0, 1, 2, 3]);
        assert_eq!(by(Column::Position, true), [3, 2, 1, 0]);
        assert_eq!(by(Column::Node, false), [2, 0, 1, 3]);
        assert_eq!(by(Column::Macs, true), [0, 2, 3, 1]);
        assert_eq!(by(Column::Sqnr, false), [3, 0, 2, 1]);
        assert_eq!(by(Column::Sqnr, true), [2, 0, 3, 1]);
        assert_eq!(by(Column::FloatTop1, true), [0, 1, 2, 3]);
    }
}
