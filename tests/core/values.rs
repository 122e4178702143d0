//! Errors of values, as numpy and scikit-learn measure them (`goldens/values.py`).

use serde::Deserialize;
use steer8::score::values::score;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Case {
    labels: Vec<f64>,
    values: Vec<f64>,
    mae: f64,
    rmse: f64,
    max_abs: f64,
    p99_abs: f64,
    bias: f64,
    r2: Option<f64>,
}

#[test]
fn errors_are_those_of_numpy_and_scikit_learn() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../goldens/values.json")).expect("JSON");
    assert_eq!(cases.len(), 8);
    for (i, case) in cases.into_iter().enumerate() {
        let own = score(String::new(), &case.values, &case.labels, None);
        let unit = case.rmse.max(case.bias.abs());
        for (own, theirs) in [
            (own.mae, case.mae),
            (own.rmse, case.rmse),
            (own.max_abs, case.max_abs),
            (own.p99_abs, case.p99_abs),
            (own.bias, case.bias),
        ] {
            assert!((own - theirs).abs() <= 1e-12 * unit, "set {i}: {own}, not {theirs}");
        }
        assert_eq!(own.r2.is_some(), case.r2.is_some(), "set {i}");
        if let (Some(own), Some(theirs)) = (own.r2, case.r2) {
            assert!((own - theirs).abs() <= 1e-9, "set {i}: R2 {own}, not {theirs}");
        }
        let [low, high] = own.mae_ci95;
        assert!(low <= own.mae && own.mae <= high, "set {i}");
    }
}
