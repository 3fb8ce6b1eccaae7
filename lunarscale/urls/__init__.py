"""What lies behind a URL: options as users write them, one client a process, and patience."""
