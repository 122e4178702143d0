//! The page's worker, for browsers that have the relaxed instructions.

fn main() {
    steer8::web::worker_loop::run_relaxed();
}
