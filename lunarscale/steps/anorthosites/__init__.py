"""What anorthosite asks and draws."""
