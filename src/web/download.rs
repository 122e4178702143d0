//! Files that leave the page.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::reason;
use crate::error::{Error, Result};
use crate::vocabulary::file::File;

/// Hands the file to the browser's downloads.
pub fn save(file: &File) -> Result<()> {
    click_link_to(file).map_err(|why| {
        Error::new(format!("the browser did not take it: {}", reason(&why)))
            .in_file(&file.name)
            .way_out("Allow this page to download files.")
    })
}

fn click_link_to(file: &File) -> std::result::Result<(), JsValue> {
    let parts = Array::of1(&Uint8Array::from(file.bytes.as_slice()));
    let kind = BlobPropertyBag::new();
    kind.set_type("application/octet-stream");
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind)?;
    let url = Url::create_object_url_with_blob(&blob)?;

    let document = web_sys::window().and_then(|window| window.document());
    let document = document.ok_or("there is no document")?;
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(&file.name);
    link.click();
    // The browser has taken hold of the blob when `click` returns.
    Url::revoke_object_url(&url)
}
