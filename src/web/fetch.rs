//! Bundled files, over the network, with progress.

use gloo_net::http::Request;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader};

use super::reason;
use crate::error::{Error, Result};

/// The content of `url`; `progress` gets the bytes so far and in all (0 when the host is silent).
pub async fn fetch(
    url: &str,
    signal: &AbortSignal,
    progress: impl FnMut(usize, usize),
) -> Result<Vec<u8>> {
    receive(url, signal, progress).await.map_err(|why| {
        Error::new(format!("it could not be fetched: {why}"))
            .in_file(url)
            .way_out("Check the connection and try again.")
    })
}

async fn receive(
    url: &str,
    signal: &AbortSignal,
    mut progress: impl FnMut(usize, usize),
) -> std::result::Result<Vec<u8>, String> {
    let response = Request::get(url).abort_signal(Some(signal)).send().await;
    let response = response.map_err(|why| why.to_string())?;
    if !response.ok() {
        return Err(format!("the host answered {} {}", response.status(), response.status_text()));
    }
    let headers = response.headers();
    // The length of a compressed answer says nothing about the bytes that arrive here.
    let length =
        headers.get("content-length").filter(|_| headers.get("content-encoding").is_none());
    let total = length.and_then(|length| length.parse().ok()).unwrap_or(0);

    let mut bytes = Vec::with_capacity(total);
    let Some(body) = response.body() else { return Ok(bytes) };
    let thrown = |why: JsValue| reason(&why);
    let reader = ReadableStreamDefaultReader::new(&body).map_err(thrown)?;
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(thrown)?;
        let value = Reflect::get(&chunk, &"value".into()).map_err(thrown)?;
        let Some(value) = value.dyn_ref::<Uint8Array>() else { return Ok(bytes) };
        bytes.extend(value.to_vec());
        progress(bytes.len(), total);
    }
}
