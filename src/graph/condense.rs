//! What exporters write out as many nodes, as the few that it is.

use super::fold_gemm::fold_gemm;
use super::fold_maps::fold_maps;
use super::written_out::{join_written_out, split_sums};
use super::{Graph, simplify};

/// Makes the network smaller without changing what it computes, but for the last bits: what exporters
/// leave behind goes, functions written out become one node, and maps of channels go into layers. Its
/// BatchNormalizations stay apart.
pub fn condense(graph: &mut Graph) {
    simplify(graph);
    split_sums(graph);
    join_written_out(graph);
    fold_gemm(graph);
    fold_maps(graph);
}
