"""What `dustman doctor` looks at. Every check yields findings and moves no money."""
