// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC7821} from "@openzeppelin/contracts/account/extensions/draft-ERC7821.sol";

/// What an EIP-7702 account delegates to. It takes ETH within the 2,300 gas that WETH.withdraw leaves.
contract BatchAccount is ERC7821 {
    receive() external payable {}
}
