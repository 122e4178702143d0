//! The command line.

fn main() -> std::process::ExitCode {
    steer8::cli::main()
}
