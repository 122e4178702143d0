//! How frames enter, as a network's file notes it.

use crate::error::Result;
use crate::graph::Graph;
use crate::vocabulary::preprocessing::Preprocessing;

/// Key of its JSON among the file's metadata.
const KEY: &str = "steer8.preprocessing";

/// What the file has noted, which somebody else may have written.
pub(super) fn noted(graph: &Graph) -> Option<String> {
    let mut metadata = graph.metadata.iter();
    metadata.find(|(key, _)| key == KEY).map(|(_, json)| json.clone())
}

/// Notes how the frames entered that a network was quantized on; nothing, if nothing was said of it.
///
/// # Errors
/// What JSON has no form for.
pub(super) fn note(graph: &mut Graph, preprocessing: Option<&Preprocessing>) -> Result<()> {
    graph.metadata.retain(|(key, _)| key != KEY);
    if let Some(preprocessing) = preprocessing {
        graph.metadata.push((KEY.into(), preprocessing.to_json()?));
    }
    Ok(())
}
