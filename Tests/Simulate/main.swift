await Simulate.main()
