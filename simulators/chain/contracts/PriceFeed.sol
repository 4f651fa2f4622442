// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A feed in Chainlink's shape. Its answer is always `age` seconds old, however late it is read.
contract PriceFeed {
    string public description;
    uint8 public immutable decimals;
    uint256 public constant version = 4;
    int256 public answer;
    uint256 public age;
    uint80 public round = 1;

    constructor(string memory description_, uint8 decimals_, int256 answer_, uint256 age_) {
        description = description_;
        decimals = decimals_;
        answer = answer_;
        age = age_;
    }

    function set(int256 answer_, uint256 age_) external {
        answer = answer_;
        age = age_;
        round += 1;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        uint256 updatedAt = block.timestamp - age;
        return (round, answer, updatedAt, updatedAt, round);
    }
}
