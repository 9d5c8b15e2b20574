//! The `likeness` program.

use std::process::ExitCode;

use clap::Parser as _;
use likeness::allocator::keep_little;
use likeness::cli::Cli;
use likeness::config::Config;
use likeness::telemetry;

fn main() -> ExitCode {
    keep_little();
    let cli = Cli::parse();
    match Config::from_env().map_err(Into::into).and_then(|config| {
        let telemetry = telemetry::init(&config.log, cli.traces(&config))?;
        let ended = cli.run(config);
        telemetry.finish();
        ended
    }) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("likeness: {error:#}");
            ExitCode::FAILURE
        }
    }
}
