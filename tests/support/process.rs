//! The program as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// It ends with its handle.
pub struct Process {
    pub child: Child,
}

impl Process {
    /// Starts it, and waits for the line of its greeting that `find` finds something in.
    pub async fn start<T: Send + 'static>(
        command: &mut Command,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> (Self, T) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let greeting = BufReader::new(child.stdout.take().unwrap());
        let read = move || {
            let mut lines = greeting.lines().map(Result::unwrap);
            let found = lines.find_map(|line| find(&line));
            // It goes on being read, since the service does not like to talk to nobody.
            thread::spawn(move || lines.for_each(drop));
            found
        };
        let found = tokio::task::spawn_blocking(read).await.unwrap();
        (Self { child }, found.expect("the service says where it is"))
    }

    /// Asks it to end. Whether it does within a minute.
    pub fn stop(&mut self) -> bool {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
