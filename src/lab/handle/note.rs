//! How frames enter, as a network's file notes it.

use crate::error::Result;
use crate::graph::Graph;
use crate::vocabulary::preprocessing::Preprocessing;

/// What the file has noted of how frames are to be read, which somebody else may have written. That a network
/// takes pixels as they are is seen to when it takes them.
pub(super) fn noted(graph: &Graph) -> Option<String> {
    let note = Preprocessing::noted_in(&graph.metadata).filter(|_| !takes_pixels(graph));
    note.map(str::to_owned)
}

fn takes_pixels(graph: &Graph) -> bool {
    graph.packed.is_empty() && Preprocessing::takes_pixels(&graph.metadata)
}

/// Notes how the frames entered that a network was quantized on; nothing, if nothing was said of it, but that it
/// takes pixels as they are.
///
/// # Errors
/// What JSON has no form for.
pub(super) fn note(graph: &mut Graph, preprocessing: Option<&Preprocessing>) -> Result<()> {
    if preprocessing.is_none() && takes_pixels(graph) {
        return Ok(());
    }
    graph.metadata.retain(|(key, _)| key != Preprocessing::KEY);
    if let Some(preprocessing) = preprocessing {
        graph.metadata.push((Preprocessing::KEY.into(), preprocessing.to_json()?));
    }
    Ok(())
}
