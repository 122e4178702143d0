//! What every engine has to do: open, drive, quantize, compare, and make the bytes of the command line.

use std::fs;

use e2e::{in_browser, model, own_folder, steer8};

const NETWORK: &str = "assignment";

#[test]
fn opens_drives_quantizes_and_makes_the_bytes_of_the_command_line() {
    let file = own_folder().join("main-path-int8.onnx");
    let [from, to] = [&model(NETWORK), &file].map(|path| path.to_string_lossy().into_owned());
    let quantized = steer8(&["quantize", &from, "-o", &to, "--json", "--quiet"]);
    let quantized: serde_json::Value = serde_json::from_slice(&quantized).expect("JSON");
    let sha256 = quantized["sha256"].as_str().expect("a SHA-256").to_owned();
    fs::remove_file(file).expect("the command line wrote a file");

    in_browser(async move |page| {
        page.wait_for_a_drive().await?;
        let figures = page.quantize(NETWORK).await?;
        assert_eq!(figures.len(), 2, "float and int8");
        let seconds = page.exact("results").await?;
        println!("{} by {}: {seconds} s", sha256, page.exact("kernels").await?);
        page.at("drive").await?;
        // A driver that cannot receive a file sees at least which it would be.
        assert_eq!(page.exact("download").await?, sha256);
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}
