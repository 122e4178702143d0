//! The page's worker, which holds the lab.

fn main() {
    steer8::web::worker_loop::run();
}
